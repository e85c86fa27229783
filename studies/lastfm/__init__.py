"""The study of Last.fm 1K Users: its declaration, and what generates data like it."""
