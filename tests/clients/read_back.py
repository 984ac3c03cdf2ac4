"""Reads a store with nothing but Python's sqlite3. Prints a view's columns, the types of its values, and its rows as JSON."""

import json
import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1])
view = {"logs": "logs", "records": "records"}[sys.argv[2]]
cursor = connection.execute("SELECT * FROM %s" % view)
rows = cursor.fetchall()
print(
    json.dumps(
        {
            "columns": [column[0] for column in cursor.description],
            "types": sorted({type(value).__name__ for row in rows for value in row}),
            "rows": rows,
        }
    )
)
