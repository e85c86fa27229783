"""The study `push`: do daily reminders bring users back?"""
