"""The compiled executor: plans of operations, the statements they run and the code they write."""
