"""Power and state of the meters over the whole test."""

import numpy as np
import pandas as pd

MOST_POINTS = 2000
COLUMNS = ["scope", "time", "power_w", "utilisation", "memory_gb", "clock_mhz", "requests"]


def timeline_table(samples, requests):
    """Means of short stretches of time, all meters of a scope together.

    Parameters
    ----------
    samples : dict of str to DataFrame
        Samples of each scope, on the client's clock.
    requests : DataFrame
        All requests of the test: start_s, end_s [s].

    Returns
    -------
    DataFrame
        scope, time (UTC), power_w [W] and memory_gb [GB] added up, utilisation [1] and clock_mhz
        [MHz] means of the meters, requests in flight.
    """
    if requests.empty:
        return pd.DataFrame(columns=COLUMNS)
    first, last = requests["start_s"].min(), requests["end_s"].max()
    step = max(1.0, np.ceil((last - first) / MOST_POINTS))
    starts, ends = np.sort(requests["start_s"]), np.sort(requests["end_s"])
    frames = []
    for scope, frame in samples.items():
        near = frame[frame["time_s"].between(first - 60, last + 60)]
        if near.empty:
            continue
        stretch = np.floor(near["time_s"] / step) * step
        by_meter = near.groupby([stretch, "meter"])
        means = by_meter[["power_w", "utilisation", "memory_gb", "clock_mhz"]].mean()
        moments = means.groupby(level=0)
        both = moments[["power_w", "memory_gb"]].sum(min_count=1)
        both[["utilisation", "clock_mhz"]] = moments[["utilisation", "clock_mhz"]].mean()
        middle = both.index.to_numpy() + step / 2
        both["requests"] = np.searchsorted(starts, middle, "right") - np.searchsorted(
            ends, middle, "right"
        )
        both["time"] = pd.to_datetime(both.index, unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ")
        frames.append(both.assign(scope=scope).reset_index(drop=True)[COLUMNS])
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)
