"""What a study says of its own users for a simulation: population models, effects and acceptance limits.

model     sessions of simulated users, regimes, and what a study's `simulation.py` gives
truth     planted effects, and the limits that a simulated figure has to meet
presence  when simulated users are there, and how long: parts to build a model of
loading   finds a study's `simulation.py`, and checks what it gives
"""
