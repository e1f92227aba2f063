"""Manifests: entries of upload jobs, written as JSON or CSV.

protocol    messages between a worker and the child process
child       the child process that reads an uploaded manifest
json_file   JSON, read as a stream
csv_file    CSV
sections    entries by section, and how each becomes a plan
decoding    JSON values become the dataclasses of entries
"""
