"""The dashboards, one a module; each module has `build(study, web)`."""
