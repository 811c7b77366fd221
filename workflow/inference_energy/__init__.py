"""Bottom-up energy of AI inference: throughput, node power, utilisation, PUE."""
