"""One module per surrounding. The environment is read here and nowhere else."""
