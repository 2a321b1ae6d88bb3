"""What the package is called, what it needs and what it brings; tool settings are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^VERSION = "(.+)"$', (HERE / "coactive/version.py").read_text("utf-8"), re.MULTILINE)

LOCAL = [
    "fastapi>=0.115.5",
    "uvicorn>=0.29",
    "python-multipart>=0.0.20",
    "Pillow>=10.3",
    "numpy>=1.26",
    "scikit-learn>=1.5",
    "tqdm>=4.66",
]
NOTEBOOK = ["pandas>=2.2.3", "Pillow>=10.3", "tqdm>=4.66"]
DASK = ["dask[distributed]>=2025.1"]
BROWSER = ["playwright>=1.49", "nbclient>=0.10", "nbconvert>=7.16", "ipykernel>=6.29"]
CONTRACT = ["schemathesis>=4.32"]
TYPES = ["mypy>=1.13", "pyright[nodejs]>=1.1.390", "types-python-dateutil", "types-tqdm", "pandas-stubs"]

setup(
    name="coactive",
    version=VERSION[1] if VERSION else None,
    description="A typed client for the Coactive image similarity search, and a local stand-in for the service",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["coactive", "coactive.*"]),
    package_data={"coactive": ["py.typed"], "coactive.local": ["openapi.json"], "coactive.local.http": ["static/*"]},
    install_requires=["urllib3>=2,<3", "python-dateutil>=2.8.2", "certifi>=2023.7.22"],
    extras_require={
        "local": LOCAL,
        "notebook": NOTEBOOK,
        "dask": DASK,
        "browser": BROWSER,
        "contract": CONTRACT,
        "test": [
            *LOCAL,
            *NOTEBOOK,
            *DASK,
            "pytest>=8.2",
            "pytest-cov>=5",
            "pytest-socket>=0.7",
            "hypothesis>=6.100",
            "ipython>=8.20",
            "opentelemetry-instrumentation-urllib3>=0.51b0",
            "opentelemetry-sdk>=1.30",
            "trustme>=1.1",
        ],
        "types": TYPES,
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Typing :: Typed",
    ],
)
