"""EcoLogits, AIConfigurator, the methods and the laws on the same measured runs."""
