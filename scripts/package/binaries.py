"""What the binaries of a package are, as JSON: needs the library `lief`.

usage: binaries.py FOLDER PATH ...
"""

import collections
import json
import re
import sys

import lief

# What every system has that the packages fit: C and C++ libraries on Linux,
# macOS itself.
SYSTEM_ELF = {
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libstdc++.so.6",
}
# What Node gives.
NODE = ("napi_", "node_api_")
# What NVIDIA's libraries have, which are in no package.
NVIDIA = ("cu", "nccl", "nvrtc")


def key(version):
    return [int(part) for part in version.split(".")]


def elf(binary):
    versions = {}
    imported = []
    for symbol in binary.imported_symbols:
        name, _, version = symbol.name.partition("@")
        if symbol.has_version and symbol.symbol_version.has_auxiliary_version:
            version = symbol.symbol_version.symbol_version_auxiliary.name
        family, _, number = version.rpartition("_")
        if number[:1].isdigit():
            if family not in versions or key(versions[family]) < key(number):
                versions[family] = number
        elif name and symbol.binding != lief.ELF.Symbol.BINDING.WEAK:
            imported.append(name)
    paths = []
    for entry in binary.dynamic_entries:
        if entry.tag in (lief.ELF.DynamicEntry.TAG.RPATH, lief.ELF.DynamicEntry.TAG.RUNPATH):
            paths += (entry.rpath if hasattr(entry, "rpath") else entry.runpath).split(":")
    return {
        "format": "ELF " + str(binary.header.machine_type).split(".")[-1],
        "needed": sorted(binary.libraries),
        "runPath": paths,
        "versions": dict(sorted(versions.items())),
        "parts": parts(s.name.partition("@")[0] for s in binary.symbols if s.shndx != 0),
    }, set(imported), {s.name.partition("@")[0] for s in binary.exported_symbols}


def parts(names):
    """What symbols begin with: the namespace in C++, and in C what many have in common."""
    spaces = set()
    words = collections.Counter()
    for name in names:
        # A name in a namespace, and what the compiler makes for one.
        space = re.match(r"_{1,2}Z(?:T[VTIS]|GV|Z|L)*N[VKrRO]*(\d+)", name)
        if space:
            end = space.end()
            spaces.add(name[end : end + int(space[1])])
        elif not re.match(r"_{1,2}Z", name):
            word = re.match(r"_*([a-z]{2,})(?:_[a-zA-Z0-9]|[A-Z])", name)
            if word:
                words[word[1]] += 1
    # Libraries that are wholly of C or Fortran are of one maker each.
    common = [word for word, count in words.items() if spaces and count >= 20]
    return sorted([f"{space}::" for space in spaces if not space.startswith("_")] + [f"{word}*" for word in common])


def version_text(numbers):
    return ".".join(str(number) for number in list(numbers)[:2])


def macho(binary):
    imported = {}
    libraries = [lib.name for lib in binary.libraries if lib.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    for symbol in binary.imported_symbols:
        # Where the linker says which library it is from: in the symbol, or for binding.
        place = (symbol.description >> 8) & 0xFF
        library = libraries[place - 1] if 0 < place <= len(libraries) else None
        if symbol.has_binding_info and symbol.binding_info.has_library:
            library = symbol.binding_info.library.name
        imported[symbol.name] = library
    own = set()
    for symbol in binary.symbols:
        if symbol.has_export_info:
            own.add(symbol.name)
    # The type's bits, where a symbol is in a section; thunks are the linker's way to call what is imported.
    defined = [s.name for s in binary.symbols if s.raw_type & 0x0E == 0x0E and not s.name.endswith("__thunk")]
    build = binary.build_version if binary.has_build_version else None
    minimum = build.minos if build else binary.version_min.version
    return {
        "format": "Mach-O " + str(binary.header.cpu_type).split(".")[-1],
        "needed": sorted(libraries),
        "runPath": [path.path for path in binary.rpaths],
        "minimum": version_text(minimum),
        "signed": binary.has_code_signature,
        "parts": parts(defined),
    }, imported, own


def main(folder, paths):
    found = {}
    for path in paths:
        full = f"{folder}/{path}"
        if lief.is_elf(full):
            found[path] = elf(lief.ELF.parse(full))
        else:
            found[path] = macho(lief.MachO.parse(full).at(0))
    # By the file's name, as the dynamic linker finds it.
    exported = {path.rsplit("/", 1)[-1]: own for path, (_, _, own) in found.items()}
    everywhere = set().union(*exported.values())
    out = {}
    for path, (facts, imported, _) in found.items():
        missing = []
        facts["outside"] = [
            name
            for name in facts["needed"]
            if name.rsplit("/", 1)[-1] not in exported
            and name not in SYSTEM_ELF
            and not name.startswith(("/usr/lib/", "/System/"))
        ]
        others = NODE + NVIDIA if facts["outside"] else NODE
        for name in imported:
            bare = name.lstrip("_")
            if isinstance(imported, dict):
                library = imported[name]
                if library is None:
                    ok = bare.startswith(others)
                elif library.startswith(("/usr/lib/", "/System/")):
                    ok = True
                else:
                    ok = name in exported.get(library.rsplit("/", 1)[-1], ())
            else:
                ok = name in everywhere or bare.startswith(others)
            if not ok:
                missing.append(name)
        facts["unresolved"] = sorted(missing)
        out[path] = facts
    json.dump(out, sys.stdout)


main(sys.argv[1], sys.argv[2:])
