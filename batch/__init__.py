"""The batch oracle: the study computed by DuckDB over the whole file, independently of the stream, to compare with."""
