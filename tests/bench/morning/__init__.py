"""The morning flood: ../flood runs it, ../README.md says what it does and how to read it."""
