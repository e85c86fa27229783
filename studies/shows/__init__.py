"""What people watch of a streaming service: views, completion and habits, by day, place and kind of show."""
