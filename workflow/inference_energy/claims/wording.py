"""Claims in words, and in the order in which the paper makes them."""

QUANTITIES = {
    "median": "Median energy",
    "p25": "First quartile",
    "p75": "Third quartile",
    "overestimate": "Overestimate",
    "tokens-p25": "Output tokens, first quartile",
    "tokens-p75": "Output tokens, third quartile",
    "ratio-tokens": "Tokens, long over traditional",
    "ratio-energy": "Median energy, long over traditional",
    "lever-model": "Cut by model",
    "lever-serving": "Cut by serving platform",
    "lever-hardware": "Cut by hardware and datacenter",
    "lever-combined": "Cut by all three",
    "fleet-baseline": "Fleet, no long queries",
    "fleet-mixed": "Fleet, some queries long",
    "fleet-mixed-improved": "Fleet, some long, improved",
    "web-search": "That fleet over web search",
    "throughput-blackwell": "Throughput, Blackwell over H100",
    "water-per-query": "Water per query",
}
"""What claims are about, by the beginning of their names."""

SUBJECTS = {
    "traditional": "traditional",
    "long": "long",
    "llama-3.1-405b-traditional": "Llama 3.1 405B, traditional",
    "mixtral-8x22b-traditional": "Mixtral 8x22B, traditional",
    "deepseek-r1-long": "DeepSeek-R1, long",
    "iea-mixtral": "IEA, Mixtral 8x22B",
    "iea-deepseek-r1": "IEA, DeepSeek-R1",
    "aes-llama-70b": "AI Energy Score, Llama 3.1 70B",
}
"""What of, by the rest of their names, in the order of the paper."""

BLOCKS = (
    ("median", "p25", "p75"),
    ("overestimate",),
    ("tokens-p25", "tokens-p75", "ratio-tokens", "ratio-energy"),
    ("lever-model", "lever-serving", "lever-hardware", "lever-combined"),
    ("fleet-baseline", "fleet-mixed", "fleet-mixed-improved", "web-search"),
)
"""Claims that stand together, in the order of the paper; others come last."""


def parts(claim: str) -> tuple[str, str]:
    """Quantity and subject of a claim's name; the name and nothing where it has no words."""
    for quantity in QUANTITIES:
        subject = claim.removeprefix(f"{quantity}-")
        if subject != claim and subject in SUBJECTS:
            return quantity, subject
    return claim, ""


def words(claim: str) -> str:
    """Claim in words, for a reader."""
    quantity, subject = parts(claim)
    told = QUANTITIES.get(quantity, claim.replace("-", " "))
    return f"{told}; {SUBJECTS[subject]}" if subject else told


def place(claim: str) -> tuple[int, int, int, str]:
    """Key that sorts claims as the paper makes them."""
    quantity, subject = parts(claim)
    subjects = ["", *SUBJECTS]
    for number_of_block, block in enumerate(BLOCKS):
        if quantity in block:
            within = block.index(quantity)
            of_subject = subjects.index(subject)
            by_subject = number_of_block == 0
            order = (of_subject, within) if by_subject else (within, of_subject)
            return number_of_block, *order, claim
    return len(BLOCKS), 0, 0, claim
