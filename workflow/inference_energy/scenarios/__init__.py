"""Single queries by name, and maps of the energy over one or two inputs."""
