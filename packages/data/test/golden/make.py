"""Writes the goldens of this folder: python make.py, with pillow 12.0, numpy 2.4 and transformers 4.46."""
# Pillow 13 runs the vertical pass first where the height shrinks more; models were trained with the order before it.
import base64, io, json, os
import numpy as np
from PIL import Image
from transformers import CLIPImageProcessor, DeiTImageProcessor, ViTImageProcessor

here = os.path.dirname(__file__)
filters = ['nearest', 'lanczos', 'bilinear', 'bicubic']  # Pillow's integers


def text(data):
    return base64.b64encode(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()).decode()


def write(name, value):
    with open(os.path.join(here, name), 'w') as file:
        json.dump(value, file, indent=1)
        file.write('\n')


def resize():
    # Many values at 0 and 255, so that overshoot is clipped.
    pixels = np.clip(np.random.default_rng(1).normal(128, 120, (9, 13, 3)), 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    write('resize.json', {'width': 13, 'height': 9, 'data': text(pixels), 'cases': [
        {'filter': name, 'width': w, 'height': h, 'data': text(np.asarray(image.resize((w, h), number)))}
        for number, name in enumerate(filters)
        for w, h in [(7, 5), (20, 17), (12, 8), (13, 4), (30, 9), (15, 3), (1, 1)]]})


def preprocessing():
    landscape = np.random.default_rng(2).integers(0, 256, (11, 17, 3), dtype=np.uint8)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    imagenet = dict(do_normalize=True, image_mean=mean, image_std=std)
    full = dict(do_rescale=True, rescale_factor=1 / 255, **imagenet)
    configs = [
        (ViTImageProcessor, dict(image_processor_type='ViTImageProcessor', do_resize=True, size={'height': 8, 'width': 6}, resample=3, **full)),
        (ViTImageProcessor, dict(feature_extractor_type='ViTFeatureExtractor', do_resize=True, size=7, do_normalize=True, image_mean=[.5] * 3, image_std=[.5] * 3)),
        (ViTImageProcessor, dict(image_processor_type='ViTImageProcessorFast', do_resize=False, do_rescale=False, do_normalize=True, image_mean=[127.5] * 3, image_std=[64.] * 3)),
        (ViTImageProcessor, dict(image_processor_type='ViTImageProcessor', do_resize=True, size={'height': 5, 'width': 5}, resample=0, do_normalize=False)),
        (DeiTImageProcessor, dict(feature_extractor_type='DeiTFeatureExtractor', do_resize=True, size=10, crop_size=7, **imagenet)),
        (CLIPImageProcessor, dict(image_processor_type='CLIPImageProcessor', do_resize=True, size={'shortest_edge': 7}, do_center_crop=True, crop_size={'height': 6, 'width': 7}, resample=3, do_convert_rgb=True, **full)),
        (CLIPImageProcessor, dict(feature_extractor_type='CLIPFeatureExtractor', do_resize=True, size=7, do_center_crop=False, resample=1, **full)),
        (DeiTImageProcessor, dict(image_processor_type='DeiTImageProcessor', do_resize=False, do_center_crop=True, crop_size={'height': 14, 'width': 10}, **full)),
        (DeiTImageProcessor, dict(image_processor_type='DeiTImageProcessor', do_resize=False, do_center_crop=True, crop_size={'height': 8, 'width': 20}, **full)),
    ]
    cases = []
    for pixels in [landscape, landscape.transpose(1, 0, 2)]:
        source = {'width': pixels.shape[1], 'height': pixels.shape[0], 'data': text(pixels)}
        for processor, config in configs:
            options = {key: value for key, value in config.items() if not key.endswith('_type')}
            values = processor(**options)(Image.fromarray(np.ascontiguousarray(pixels)), return_tensors='np')['pixel_values'][0]
            cases.append({'config': config, **source, 'shape': values.shape, 'values': text(values.astype(np.float32))})
    # No processor takes greyscale throughout: Pillow's own steps.
    grey = np.asarray(Image.fromarray(landscape).convert('L').resize((6, 5), 3))
    values = ((grey * (1 / 255)).astype(np.float32) - np.float32(.4)) / np.float32(.3)
    config = {'size': {'height': 5, 'width': 6}, 'resample': 3, 'image_mean': [.4], 'image_std': [.3]}
    cases.append({'config': config, 'width': 17, 'height': 11, 'data': text(landscape), 'shape': [1, 5, 6], 'values': text(values)})
    write('preprocessing.json', cases)


def decode():
    smooth = Image.fromarray(np.random.default_rng(3).integers(0, 256, (3, 4, 3), dtype=np.uint8)).resize((20, 14), 3)
    alpha = smooth.copy()
    alpha.putalpha(Image.fromarray(np.linspace(0, 255, 280).reshape(14, 20).astype(np.uint8)))
    turned = Image.Exif()
    turned[0x112] = 6
    files = {}

    def add(name, image, kind, **options):
        file = io.BytesIO()
        image.save(file, kind, **options)
        pixels = Image.open(io.BytesIO(file.getvalue())).convert('RGB')
        files[name] = {'file': text(file.getvalue()), 'width': pixels.width, 'height': pixels.height, 'data': text(np.asarray(pixels))}

    add('a JPEG with halved chroma', smooth, 'JPEG')
    add('a progressive JPEG', smooth, 'JPEG', progressive=True)
    add('a greyscale JPEG', smooth.convert('L'), 'JPEG')
    add('a JPEG of inks', smooth.convert('CMYK'), 'JPEG')
    add('a JPEG turned by EXIF', smooth, 'JPEG', exif=turned)
    add('a JPEG with a colour profile', smooth, 'JPEG', icc_profile=swapped_profile())
    add('a PNG with alpha', alpha, 'PNG')
    add('a greyscale PNG with alpha', alpha.convert('LA'), 'PNG')
    add('a PNG of one bit', smooth.convert('1'), 'PNG')
    add('a PNG with a palette and a transparent colour', smooth.quantize(16), 'PNG', transparency=3)
    add('a WebP', smooth, 'WEBP', lossless=True)
    add('a GIF', smooth.quantize(16), 'GIF')
    add('a TIFF', smooth, 'TIFF')
    write('decode-image.json', files)


def swapped_profile():
    """sRGB with red and green exchanged: applying it could not go unnoticed."""
    from PIL import ImageCms
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes())
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], 'big'), 12):
        profile[at:at + 4] = {b'rXYZ': b'gXYZ', b'gXYZ': b'rXYZ'}.get(bytes(profile[at:at + 4]), profile[at:at + 4])
    profile[24:36] = bytes(12)  # its time of making
    return bytes(profile)


resize()
preprocessing()
decode()
