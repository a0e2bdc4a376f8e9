"""Writes tokens.json and tokenizers/ of this folder: python make-tokens.py, with tokenizers 0.22 and transformers 4.57; then prettier."""
import json, os
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

here = os.path.dirname(os.path.abspath(__file__))

# Written for this test.
corpus = [
    'The river rose overnight and carried the old bridge away.',
    'She paints small boats, mostly blue, and never sells them.',
    'Nobody wanted the last cake; it was unbelievably dry.',
    'Das Café öffnet um sieben, naïve Gäste warten schon.',
    'নদীর ধারে একটি ছোট বাড়ি আছে।',
    'আজ সকালে খুব বৃষ্টি হচ্ছে, পথে কেউ নেই।',
    'তিনি নৌকায় বসে গান গাইছেন।',
]
texts = [
    *corpus,
    '',
    ' ',
    'Unbelievable! The boats... carried NOTHING?',
    'A café, naïvely painted – “old” & blue.',
    'নৌকায় বৃষ্টি, ধারে পথ!  ক্\u200dষ ক্\u200cষ',
    'tabs\tand\r\nlines\u0000 and\u00a0spaces\u200b',
    '河 rises 東京river',
    'smile \U0001f600 never',
    'the [SEP] river <s> sells</s> [MASK]cakes',
    "don't can't it's we'll they've 1234567 12.5%",
    'x' * 120,
    ' '.join(corpus[:3]),
]


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token='[UNK]'))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    tokenizer.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=190, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
    return tokenizer, dict(model_max_length=24, pad_token='[PAD]', unk_token='[UNK]', cls_token='[CLS]', sep_token='[SEP]', mask_token='[MASK]', tokenizer_class='BertTokenizer')


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.post_processor = processors.RobertaProcessing(sep=('</s>', 2), cls=('<s>', 0), trim_offsets=True, add_prefix_space=False)
    return tokenizer, dict(model_max_length=40, pad_token='<pad>', unk_token='<unk>', cls_token='<s>', sep_token='</s>', mask_token='<mask>', tokenizer_class='RobertaTokenizer')


cases = {}
for name, (tokenizer, config) in {'wordpiece': wordpiece(), 'byte-level': byte_level()}.items():
    folder = os.path.join(here, 'tokenizers', name)
    tokenizer.save(os.path.join(folder, 'tokenizer.json'), pretty=False)
    with open(os.path.join(folder, 'tokenizer_config.json'), 'w') as file:
        json.dump(config, file, indent=2)
        file.write('\n')
    kinds = {key: value for key, value in config.items() if key != 'tokenizer_class'}
    hugging_face = PreTrainedTokenizerFast(tokenizer_file=os.path.join(folder, 'tokenizer.json'), **kinds)
    cases[name] = [
        {'maxLength': length, 'texts': [{'text': text, 'ids': hugging_face(text, truncation=True, max_length=length)['input_ids']} for text in texts]}
        for length in (config['model_max_length'], 7)
    ]
with open(os.path.join(here, 'tokens.json'), 'w') as file:
    json.dump(cases, file, ensure_ascii=True)
    file.write('\n')
