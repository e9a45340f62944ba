"""Imports a good part of Python's library, and uses some of it."""
import argparse, asyncio, collections, csv, ctypes, dataclasses, datetime
import decimal, email.message, hashlib, http.client, json, logging
import multiprocessing, pathlib, re, ssl, subprocess, tempfile, threading
import unittest, urllib.request, xml.etree.ElementTree, zipfile, zlib


async def later():
    await asyncio.sleep(0.01)
    return decimal.Decimal("0.1") * 3


def say():
    print("from a thread")


print(json.dumps(collections.Counter("mississippi"), sort_keys=True))
print(hashlib.sha256(zlib.compress(b"x" * 1000)).hexdigest())
print(datetime.date(1998, 7, 24).strftime("%A"))
print(sorted(path.name for path in pathlib.Path().iterdir()))
thread = threading.Thread(target=say)
thread.start()
thread.join()
print(asyncio.run(later()))
