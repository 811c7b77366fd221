"""Marks of a figure, where they stand."""


def median_dots(figure):
    """Positions of the median dots, which are white."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0])
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "o" and line.get_color() == "white"
    ]


def places(axes, marker):
    """Positions of all marks of a kind."""
    return [
        (x, y)
        for line in axes.lines
        if line.get_marker() == marker
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]
