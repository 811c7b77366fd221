"""Power logs as their tools write them, and what is read from them."""

import json

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import read_log

NOON = 1_769_860_800.0  # 2026-01-31T12:00:00Z


SMI = """timestamp, index, power.draw [W], utilization.gpu [%], memory.used [MiB], clocks.sm [MHz]
2026/01/31 12:00:00.250, 0, 512.34 W, 98 %, 70000 MiB, 1980 MHz
2026/01/31 12:00:00.250, 1, [N/A], 97 %, 70000 MiB, 1965 MHz
2026/01/31 12:00:01.250, 0, 513.00 W, 98 %, 70000 MiB, 1980 MHz
"""


DMON = """#Date       Time        gpu    pwr  gtemp  mtemp     sm    mem   mclk   pclk
#YYYYMMDD   HH:MM:SS    Idx      W      C      C      %      %    MHz    MHz
 20260131   12:00:00      0    512     42      -     98     60   2619   1980
 20260131   12:00:00      1    498     42      -     97     60   2619   1965
#Date       Time        gpu    pwr  gtemp  mtemp     sm    mem   mclk   pclk
#YYYYMMDD   HH:MM:SS    Idx      W      C      C      %      %    MHz    MHz
 20260131   12:00:01      0    513     42      -     98     60   2619   1980
"""


DCMI = """
    Instantaneous power reading:                   5120 Watts
    Minimum during sampling period:                 800 Watts
    Maximum during sampling period:                9800 Watts
    Average power reading over sample period:      4000 Watts
    IPMI timestamp:                           Sat Jan 31 12:00:00 2026
    Sampling period:                          00000010 Seconds.
    Power reading state is:                   activated


    Instantaneous power reading:                   5130 Watts
    Minimum during sampling period:                 800 Watts
    Maximum during sampling period:                9800 Watts
    Average power reading over sample period:      4000 Watts
    IPMI timestamp:                           Sat Jan 31 12:00:01 2026
    Sampling period:                          00000010 Seconds.
    Power reading state is:                   activated
"""


SPL = """Time,01-31-2026 12:00:00.125,Watts,612.100000,Volts,230.1,Amps,2.7,PF,0.98,Mark,run
Time,01-31-2026 12:00:01.125,Watts,613.100000,Volts,230.1,Amps,2.7,PF,0.98,Mark,run
Time,01-31-2026 12:00:02.125,Watts,-1.000000,Volts,230.1,Amps,2.7,PF,0.98,Mark,run
"""


def matrix(*series):
    result = [{"metric": labels, "values": values} for labels, values in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


DCGM = {"gpu": "0", "UUID": "GPU-1", "Hostname": "node", "instance": "node:9400"}


SERIES = [
    ({"__name__": "DCGM_FI_DEV_POWER_USAGE"} | DCGM, [[NOON, "512.3"], [NOON + 1, "513"]]),
    (
        {"__name__": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"} | DCGM,
        [[NOON, "1000000"], [NOON + 1, "1512000"]],
    ),
    ({"__name__": "DCGM_FI_DEV_GPU_UTIL"} | DCGM, [[NOON, "98"], [NOON + 1, "97"]]),
]


HISTORY = [
    [
        {
            "entity_id": "sensor.rack_power",
            "state": "1.25",
            "last_changed": "2026-01-31T12:00:00+00:00",
            "attributes": {"unit_of_measurement": "kW"},
        },
        {"state": "1.5", "last_changed": "2026-01-31T12:00:01+00:00"},
    ]
]


NOTIFY = {
    "src": "shellyplugsg3-1",
    "method": "NotifyStatus",
    "params": {"ts": NOON, "switch:0": {"id": 0, "apower": 812.5, "aenergy": {"total": 1000.5}}},
}


REPORT = {
    "@odata.type": "#MetricReport.v1_5_0.MetricReport",
    "MetricValues": [
        {
            "MetricId": "SystemPowerConsumption",
            "MetricValue": "812",
            "Timestamp": "2026-01-31T12:00:00Z",
        },
        {"MetricId": "SystemAvgPowerConsumption", "MetricValue": "700"},
        {
            "MetricId": "SystemPowerConsumption",
            "MetricValue": "813",
            "Timestamp": "2026-01-31T12:00:01Z",
        },
    ],
}


CHASSIS = '{"PowerControl": [{"Name": "System", "PowerConsumedWatts": %d}]}'


def read(folder, text, scope="node", name="meter.log", zone="UTC"):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return read_log(path, scope, zone)


def refusal(folder, text, scope="node"):
    with pytest.raises(InputError) as caught:
        read(folder, text, scope)
    return str(caught.value)


def table(*rows):
    return "\n".join(["time,power_w", *rows, ""])


def holds(folder, text, scope, meter, times, power):
    """Check when after noon a meter of a log was read [s], and its power [W]."""
    frame = read(folder, text, scope)
    own = frame[frame["meter"] == meter]
    np.testing.assert_allclose(own["time_s"] - NOON, times, atol=1e-6)
    np.testing.assert_allclose(own["power_w"], power)
