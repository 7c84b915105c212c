"""Many stacks: design space, evaluation, storage, ranking, command line."""
