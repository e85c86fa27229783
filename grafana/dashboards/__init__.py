"""One dashboard a module; each has `build(study, web)`."""
