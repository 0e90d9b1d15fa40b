"""The mismatched sampling paradox: Thompson sampling from the right posterior beside samples from a wrong one."""
