"""Tests of what operators see: logs, metrics and the dashboard."""
