"""Write what an engine needs of a model with random weights: tokenizer and, if asked, weights.

``random_model.py weights FOLDER`` needs torch and transformers, and a config.json in the folder.
Random weights take the time of trained ones; their power may differ.
"""

import json
import sys
from pathlib import Path

END = "</s>"
PLAIN = [*map(chr, range(ord(" "), ord("~") + 1)), "\n"]
RANGES = ((0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x2A6D7), (0xF0000, 0xFFFFE))
"""Code points for the other tokens: as many as any vocabulary, and none joins with another."""


def vocabulary(size):
    """Tokens of one character each, so that texts and tokens count alike."""
    others = (chr(code) for low, high in RANGES for code in range(low, high))
    tokens = [END, *PLAIN]
    return tokens + [next(others) for _ in range(size - len(tokens))]


def write_tokenizer(folder, size, longest):
    """Write a tokenizer of `size` tokens as `transformers` reads it."""
    end = {"id": 0, "content": END, "special": True, "normalized": False}
    end |= {"single_word": False, "lstrip": False, "rstrip": False}
    tokens = {token: number for number, token in enumerate(vocabulary(size))}
    content = {
        "version": "1.0",
        "added_tokens": [end],
        "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "vocab": tokens, "merges": []},
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "model_max_length": longest,
        "clean_up_tokenization_spaces": False,
        "chat_template": "{% for m in messages %}{{ m['content'] }}\n{% endfor %}",
    }
    for name, text in (("tokenizer.json", content), ("tokenizer_config.json", settings)):
        (folder / name).write_text(json.dumps(text), encoding="utf-8")


def write_weights(folder):
    """Write random weights for the folder's config.json; no token ends an answer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.generation_config = GenerationConfig(do_sample=False)
    model.save_pretrained(folder)


if __name__ == "__main__":
    write_weights(Path(sys.argv[2]))
