# the methods that are set beside other estimators: the paper's latest, and those that are not its
PEER_METHODS = REPORTED + [
    name for name in WEIGHED if METHODS[name]["kind"] != "paper" and name not in REPORTED
]
PEER_TABLES = {
    "mlenergy": provided("data/measured/mlenergy_v3.csv"),
    "inferencex": provided("data/measured/inferencex_power.csv"),
    "at_load": provided("data/throughput/at_load.csv"),
    "models": provided("data/models.csv"),
}


rule ask_peers:
    """Ask EcoLogits and AIConfigurator, in their own environment, for every measured run."""
    message:
        "Asking EcoLogits and AIConfigurator for the measured runs"
    input:
        **PEER_TABLES,
        own_node=provided("data/measured/own_node/cells.csv"),
        ask=own("workflow/scripts/peers/ask.py"),
        lock=own("envs/peers.lock"),
        code=sorted({*code("peers/ask_peers.py"), *code("peers/ask.py")}),
    params:
        python=own(".venv-peers/bin/python"),
    output:
        "build/peers/answers.csv",
    log:
        "logs/peers/ask.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/peers/ask_peers.py"


rule compare_peers:
    """Set methods, law and other estimators beside the same measured runs."""
    message:
        "Comparing the methods, the law and other estimators on the same measured runs"
    input:
        needing("methods", "evidence"),
        **source_inputs(PEER_METHODS) | PEER_TABLES,
        answers=provided("data/published/peers.csv"),
        vendor=provided("data/throughput/trtllm.csv"),
        method=expand("results/{method}/method.yaml", method=PEER_METHODS),
        code=code("peers/compare.py"),
    params:
        methods=PEER_METHODS,
        settings=EVIDENCE,
        are_published=True,
    # after `score_load`, which does most of its fits: both at once would do them twice
    priority: 14
    output:
        table="results/validation/peers.csv",
        page="results/validation/peers.md",
        each="results/validation/peers_each.md",
        svg=captioned("figures/validation/peers.svg", "peers", "Public evidence"),
        png="figures/validation/peers.png",
    log:
        "logs/peers/compare.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/peers/compare.py"


use rule compare_peers as compare_asked_peers with:
    input:
        needing("methods", "evidence"),
        **source_inputs(PEER_METHODS) | PEER_TABLES,
        answers=rules.ask_peers.output[0],
        vendor=provided("data/throughput/trtllm.csv"),
        method=expand("results/{method}/method.yaml", method=PEER_METHODS),
        code=code("peers/compare.py"),
    params:
        methods=PEER_METHODS,
        settings=EVIDENCE,
        # what the packages say today is taken as it is
        are_published=False,
    output:
        table="build/peers/peers.csv",
        page="build/peers/peers.md",
        each="build/peers/peers_each.md",
        svg="build/peers/peers.svg",
        png="build/peers/peers.png",
    log:
        "logs/peers/compare_asked.log",


rule peers:
    """Run the other estimators again and compare; see make peers."""
    message:
        "The other estimators are compared"
    input:
        rules.compare_asked_peers.output,


if PEER_METHODS:
    TARGETS += rules.compare_peers.output
