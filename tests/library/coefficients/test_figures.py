"""Figure of the coefficients."""

from inference_energy.coefficients.figures import FORMAT, GPUS, MARKS, by_load


def test_every_coefficient_of_the_models_is_drawn_with_its_interval(table):
    shown = table[table["model"].isin(MARKS) & table["gpu"].isin(GPUS) & table["format"].eq(FORMAT)]
    axes = by_load(table).axes
    points = [
        y
        for axis in axes
        for line in axis.lines
        if line.get_linestyle() == "None"
        for y in line.get_ydata()
        if y == y
    ]
    assert sorted(points) == sorted(shown["output_wh"])
    ends = [
        path.vertices[:, 1].tolist()
        for axis in axes
        for bars in axis.collections
        for path in bars.get_paths()
        if path.vertices[0, 1] == path.vertices[0, 1]
    ]
    assert sorted(ends) == sorted(shown[["output_p5_wh", "output_p95_wh"]].to_numpy().tolist())
