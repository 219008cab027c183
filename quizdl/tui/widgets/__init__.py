"""Widgets: they are given data and post messages; none holds a service."""
