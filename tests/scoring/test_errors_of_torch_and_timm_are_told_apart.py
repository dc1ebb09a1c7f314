"""An error about an image's size is told from other errors, by the words of torch and timm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.errors import ModelFailed
from scoring.job import InputBounds, Job, Model
from scoring.sandbox import advice
from scoring.sentences import say


def test_a_size_is_only_advised_within_the_bounds(job: Job) -> None:
    model = Model("", 1, 1, format="torchscript")
    bounded = replace(job, bounds=InputBounds(min_size=16, max_size=64))
    failure = ModelFailed("wrong_input", say("It raised an error."))
    words = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)"
    said = advice.explained(failure, words, model=model, job=bounded).message
    assert "16 to 64 pixels per side" in said


def advised(words: str, job: Job) -> str:
    failure = ModelFailed("wrong_input", say("It raised an error."))
    return advice.explained(
        failure, words, model=Model("", 1, 1, format="torchscript"), job=job
    ).message


@pytest.mark.parametrize(
    "words",
    [
        # timm's
        "AssertionError: Input height (96) doesn't match model (224).",
        "AssertionError: Input width (96) doesn't match model (224).",
        "AssertionError: Input height (100) should be divisible by patch size (16).",
        "AssertionError: Input image height (96) must be divisible by patch size (16).",
        "AssertionError: Input image height (96) doesn't match model (224).",
        "AssertionError: Input image size (96*96) doesn't match model (224*224).",
        "AssertionError: Input size (96) must be divisible by patch size (16)",
        "AssertionError: height (96) must be divisible by window (7)",
        "AssertionError: width 96 must be divisible by grid 7",
        "AssertionError: patch grid height must be divisible by merge_size",
        "AssertionError: mask spatial shape and target_size must match.",
        "builtins.AssertionError: ",  # of its HaloAttn and BottleneckAttn
        "IndexError: index 111 is out of bounds for dimension 0 with size 111",  # of its MViTv2
        # torch's
        "RuntimeError: shape '[1, 1200]' is invalid for input of size 768",
        "RuntimeError: The size of tensor a (17) must match the size of tensor b (197) at "
        "non-singleton dimension 1",
        "RuntimeError: Sizes of tensors must match except in dimension 1. Expected size 16 but got "
        "size 20 for tensor number 1 in the list.",
        "RuntimeError: stack expects each tensor to be equal size, but got [1, 3, 16, 16] at entry "
        "0 and [1, 3, 20, 20] at entry 1",
        "RuntimeError: Expected size for first two dimensions of batch2 tensor to be: [3, 16] but "
        "got: [3, 20].",
        "RuntimeError: unflatten: Provided sizes [7, 7] don't multiply up to the size of dim 2",
        "RuntimeError: split_with_sizes expects split_sizes to sum exactly to 16 (input tensor's",
        "RuntimeError: Expected 2 elements in a list but found 1",
        "RuntimeError: select(): index 20 out of range for tensor of size [1, 3, 16, 16]",
        "RuntimeError: start (0) + length (20) exceeds dimension size (16).",
        "RuntimeError: The expanded size of the tensor (20) must match the existing size (16)",
        "RuntimeError: einsum(): subscript w has size 20 for operand 1 which does not broadcast",
        "RuntimeError: index out of range in self",
        "RuntimeError: Given input size: (3x16x16). Calculated output size: (3x0x0). Output size "
        "is too small",
        "RuntimeError: Kernel size can't be greater than actual input size",
        "RuntimeError: pixel_unshuffle expects height to be divisible by downscale_factor, but "
        "input.size(-2)=16 is not divisible by 7",
        "RuntimeError: Input and output sizes should be greater than 0, but got input (H: 8, W: 8)",
        "RuntimeError: Given normalized_shape=[3, 20, 20], expected input with shape [*, 3, 20, "
        "20], but got input of size[1, 3, 16, 16]",
        "RuntimeError: Argument #4: Padding size should be less than the corresponding input",
        "RuntimeError: Given input with spatial size (16, 16), kernel_size=(20, 20)",
        "AssertionError: was expecting embedding dimension of 20, but got 16",
        "RuntimeError: input.size(-1) must be equal to input_size. Expected 20, got 16",
        "RuntimeError: running_mean should contain 768 elements not 20",
        "ValueError: Expected more than 1 spatial element when training, got input size [1, 3, 1]",
        "RuntimeError: size mismatch, got input (4), mat (4x20), vec (16)",
        "RuntimeError: inconsistent tensor size, expected tensor [20] and src [16]",
        "RuntimeError: setStorage: sizes [1, 3, 20, 20] are out of bounds for storage of size 768",
    ],
)
def test_a_model_made_for_another_size_is_told_to_declare_it(words: str, job: Job) -> None:
    assert "declare input_size" in advised(words, job)


def test_other_errors_are_not_taken_for_a_size_a_file_or_a_thread(job: Job) -> None:
    for words in (
        "ValueError: I want a batch of four",
        "RuntimeError: the thread of this story is lost",
        "RuntimeError: set_num_threads expects a positive integer",
        "RuntimeError: this is not permitted by its author",
        "AssertionError: this net is not for sale",
    ):
        said = advised(words, job)
        assert said.endswith(f"The model's message: “{words}”."), said
    for words in (
        "RuntimeError: Operation not permitted",
        "RuntimeError: can't start new thread",
        "RuntimeError: Resource temporarily unavailable",
    ):
        assert "start threads" in advised(words, job)
