"""The studies: for each experiment its numbers and the measures of its sessions."""

DEFAULT = "lastfm"
"""The study that is meant where neither `--study` nor `LIVELIFT_STUDY` names one."""
