"""A journal's files from outside: where a message's record lies, and ways to harm it. Knows of the format only
what schemas/protocol.md says of a record (its id stands 48 bytes behind its first)."""
import glob
import os
import uuid

ID_AT = 48
HEADER_COPY_BYTES = 4096


class JournalFiles:
    def __init__(self, folder):
        self.folder = folder

    def segments(self):
        return sorted(glob.glob(os.path.join(self.folder, "*.seg")))

    def find(self, key):
        """(file, offset) of every record of that id."""
        found = []
        for path in self.segments():
            with open(path, "rb") as f:
                data = f.read()
            at = data.find(uuid.UUID(key).bytes)
            while at >= 0:
                found.append((path, at - ID_AT))
                at = data.find(uuid.UUID(key).bytes, at + 1)
        return found

    def within(self, keys):
        """File → those of these ids that have a record there."""
        found = {}
        for path in self.segments():
            with open(path, "rb") as f:
                data = f.read()
            found[path] = {key for key in keys if uuid.UUID(key).bytes in data}
        return found

    def flip(self, path, offset, n=4):
        with open(path, "r+b") as f:
            f.seek(offset)
            old = f.read(n)
            f.seek(offset)
            f.write(bytes(b ^ 0xFF for b in old))

    def blank(self, path, offset, n):
        with open(path, "r+b") as f:
            f.seek(offset)
            f.write(bytes(n))

    def end_of_data(self, path):
        """Where the last byte that is not zero stands."""
        with open(path, "rb") as f:
            return len(f.read().rstrip(b"\0"))
