"""The studies: for each experiment its numbers and the measures of its sessions."""
