"""Playing on CUDA devices: kernels of a thread, launches, what fits; `banditlab.core.machines` calls it."""
