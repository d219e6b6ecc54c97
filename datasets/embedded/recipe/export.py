"""Writes the trained network as ONNX."""
import torch


def export(network, path):
    """Opset 13, any batch size, batch norms as nodes of their own: folding them is the reader's business."""
    torch.onnx.export(
        network.eval(),
        torch.zeros(1, 1, 24, 24),
        path,
        opset_version=13,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["image"],
        output_names=["scores"],
        dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}},
    )
