"""Executed notebooks to one page that loads nothing, checked before it is published."""
