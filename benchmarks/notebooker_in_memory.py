"""notebooker's command line with its database in memory, for reports.py: it stores what it makes in MongoDB alone.

Needs an environment of its own with notebooker, mongomock and the packages of requirements.lock.
"""

import mongomock
import pymongo
from mongomock.gridfs import enable_gridfs_integration

enable_gridfs_integration()
pymongo.MongoClient = mongomock.MongoClient

from notebooker._entrypoints import base_notebooker  # noqa: E402 it takes the client as it is imported

base_notebooker()
