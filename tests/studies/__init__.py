"""Three studies of other people's files, written from the docs alone: a shop's orders, a music service's export, page views.

Each folder has its declaration, a program that makes its file (`make.py`, a few of each kind of broken row among the rows), and
the answer that the definitions in the docs give, in plain Python (`answer.py`).
"""
