"""Small datasets for the tests of this room."""

from support.small_datasets import dataset_of, random_dataset

__all__ = ["dataset_of", "random_dataset"]
