"""A made-up model, whose numbers differ so that none can stand for another."""

import numpy as np

MODEL = {
    "params_total_b": 100.0,
    "params_active_b": 30.0,
    "layers": 10.0,
    "hidden_size": 1000.0,
    "attention_heads": 16.0,
    "kv_heads": 4.0,
    "head_dim": 50.0,
    "architecture": "moe",
    "attention": "full",
    "experts": 64.0,
    "experts_active": 4.0,
    "kv_bytes_per_token_16bit": 7000.0,
    "context_share": np.nan,
    "index_tokens": np.nan,
    "index_width": np.nan,
}
