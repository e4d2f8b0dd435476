"""A small folder without routes: chips by data sheet, one measured profile, one table of rates."""

from __future__ import annotations

from pathlib import Path

from tests.faults.folder import Folder

FILES: dict[str, str] = {
    "instance.toml": ('format = 1\nname = "chips"\nstart = "2026-05-04T00:00:00Z"\nperiods = 2\n'),
    "workloads.csv": (
        "workload,model,traffic_class,region,unserved_usd_per_mtok,input_tokens,output_tokens,"
        "output_tokens_cv,cached_input_fraction,ttft_ms,tpot_ms,slo_percentile,max_round_trip_ms\n"
        "chat,dense,interactive,us,20,2048,512,,,1500,50,95,\n"
        "docs,dense,batch,us,5,4096,256,0,0.5,,,,\n"
        "think,sparse,interactive,eu,20,1024,2048,,,2000,60,,100\n"
        "mail,small,interactive,us,20,256,256,,,500,30,,\n"
        "hasty,dense,interactive,us,20,2048,512,,,1500,1,,\n"
        "vague,dense,interactive,us,20,,,,,,,,\n"
    ),
    "pools.csv": (
        "pool,provider,chip,region,purchase,usd_per_chip_hour\n"
        "here,A,H100,us,on_demand,3\n"
        "there,B,H100,us-east,on_demand,2\n"
        "far,C,GB200,asia,on_demand,8\n"
        "rack,C,GB200,us-east,on_demand,9\n"
    ),
    "chips.csv": (
        "chip,memory_gb,memory_tb_per_second,bf16_tflops,fp8_tflops,fp4_tflops,chips_per_domain,"
        "throughput_recorded,basis\n"
        "H100,80,3.35,989,1979,,8,true,published\n"
        "GB200,186,7.7,2500,5000,10000,72,true,published\n"
    ),
    "models.csv": (
        "model,parameters_billion,active_parameters_billion,replicated_parameters_billion,"
        "kv_bytes_per_token,attention_flops_decode,attention_flops_prefill,basis\n"
        "dense,70,,,163840,2621440,2621440,published\n"
        "sparse,671,37,17,35136,16990208,4997120,published\n"
        "small,8,,,65536,,,published\n"
    ),
    "profiles.csv": (
        "model,chip,configuration,precision,chips_per_replica,max_batch,decode_base_ms,"
        "decode_per_seq_ms,prefill_base_ms,prefill_per_token_ms,input_tokens_high,basis\n"
        "dense,H100,tp1,fp8,1,,,,,,,\n"
        "dense,H100,tp2,fp8,2,,,,,,,\n"
        "dense,H100,tp4,fp8,4,,,,,,,\n"
        "dense,GB200,bench,fp8,1,64,12,0.2,5,0.04,3000,measured\n"
        "sparse,GB200,ep64,fp8,64,,,,,,,\n"
        "sparse,H100,ep8,fp8,8,,,,,,,\n"
        "small,H100,table,fp8,1,,,,,,,measured\n"
    ),
    "throughputs.csv": (
        "model,chip,configuration,input_tokens,output_tokens,requests_per_second,ttft_ms,tpot_ms,"
        "basis\n"
        "small,H100,table,128,128,40,50,10,measured\n"
        "small,H100,table,512,128,20,100,10,measured\n"
        "small,H100,table,128,512,10,50,20,measured\n"
        "small,H100,table,512,512,5,100,20,published\n"
    ),
    "network.csv": (
        "region,pool_region,round_trip_ms,usd_per_mtok,basis\n"
        "us,us-east,30,0.02,measured\n"
        "us,asia,180,0.05,measured\n"
        "eu,us-east,90,0.03,measured\n"
        "eu,asia,220,0.05,measured\n"
    ),
    "demand.csv": (
        "workload,0,1\nchat,100,150\ndocs,50,50\nthink,10,20\nmail,1,1\nhasty,1,1\nvague,1,1\n"
    ),
    "capacity.csv": "pool,0,1\nhere,64,64\nthere,64,64\nfar,128,128\nrack,128,128\n",
}
"""Names and demand are made up; chips and models are those of public data sheets."""


def made(path: Path) -> Folder:
    """Write the folder."""
    path.mkdir(parents=True, exist_ok=True)
    folder = Folder(path)
    for name, text in FILES.items():
        folder.file(name, text)
    return folder
