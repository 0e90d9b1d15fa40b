"""How experiments are played: from arguments to jobs, to tasks, to workers."""
