"""The command line `livelift`: one module for each command."""
