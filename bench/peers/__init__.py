"""The same job on other engines, each written as its documentation does it: sessions by 30 minutes of event-time
inactivity.

All read the same topic with the same messages and write each closed session as JSON to a topic of their own. Records
without a key are our producer's control marks; the others' key is the user, their timestamp the event time.
"""
