"""Energy per token to cite, by model, GPU, format and load, and the rows behind it."""
