"""The example of the format page: the smallest instance that shows every required file."""

from __future__ import annotations

EXAMPLE: dict[str, str] = {
    "instance.toml": """\
format = 1
name = "example"
title = "Two workloads on two pools"
start = "2026-05-04T00:00:00Z"
periods = 3
""",
    "workloads.csv": """\
workload,model,traffic_class,region,unserved_usd_per_mtok,deadline_periods
chat-us,large,interactive,us,20,0
summaries-eu,small,batch,eu,4,2
""",
    "pools.csv": """\
pool,provider,chip,region,purchase,usd_per_chip_hour
trn-east,AWS,Trainium2,us-east,reserved,1.5
tpu-west,Google,TPU v7,us-west,on_demand,4
""",
    "routes.csv": """\
workload,pool,chip_hours_per_mtok,usd_per_mtok
chat-us,trn-east,0.3,0
chat-us,tpu-west,0.15,0.01
summaries-eu,trn-east,0.1,0.02
""",
    "demand.csv": """\
workload,0,1,2
chat-us,100,140,120
summaries-eu,0,60,90
""",
    "capacity.csv": """\
pool,0,1,2
trn-east,40,40,40
tpu-west,16,16,16
""",
}
"""Text of each file, by its name."""
