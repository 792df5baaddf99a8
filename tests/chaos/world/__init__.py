"""A small real instance that faults are played on: jobs, events, an outside world, nothing else."""
