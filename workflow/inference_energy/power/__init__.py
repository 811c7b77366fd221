"""Power of a served load: GPUs, and the node around them."""
