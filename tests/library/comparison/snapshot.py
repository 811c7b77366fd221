"""Files of a made-up repository."""

ENERGY = """engine,regime,subject,pathway,statistic,value,unit
exact,traditional,frontier blend,baseline,p50,0.3,Wh
exact,traditional,Llama 3.1 70B,baseline,p50,0.1,Wh
exact,long,frontier blend,baseline,p50,4,Wh
"""
CLAIMS = """claim,source,quantity,published,computed,unit,engine,verdict,note
median,v2,,0.30,0.3,Wh,published,reproduced,
"""
DATA = """model,gpu,tensor_parallel,precision,input_tokens,output_tokens,throughput_tps,source_id
a,H100,8,FP8,128,128,100,s
b,H100,8,FP8,128,128,200,s
"""
REWRITTEN = b"""pue:
  value: 1.20
  distribution: fixed
  unit: '1'
  source: there
id: mine
"""
METHOD = "id: mine\npue: {distribution: fixed, value: 1.2, unit: '1', source: here}\n"
FILES = {
    "results/mine/energy_per_query.csv": ENERGY,
    "results/mine/claims.csv": CLAIMS,
    "results/mine/method.yaml": METHOD,
    "results/claims.md": "# Claims\n\nAll hold.\n",
    "data/throughput/mine.csv": DATA,
}
