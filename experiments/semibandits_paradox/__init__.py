"""The mismatched sampling paradox: Thompson sampling from the right posterior beside sampling from a wrong one."""
