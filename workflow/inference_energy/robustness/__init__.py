"""All choices, all inputs."""
