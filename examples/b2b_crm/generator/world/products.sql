-- 240 products in eight categories; prices are spread over two orders of magnitude.
select
    printf('P%04d', i) as product_id,
    one_of('category', i, ['Fasteners', 'Hand tools', 'Power tools', 'Safety', 'Lubricants', 'Welding',
        'Storage', 'Electrical']) as category,
    one_of('brand', i, ['Aalto', 'Bergman', 'Citrine', 'Own brand']) as brand,
    i as number,
    round(4 * exp(1.1 * normal('price', i)) + 1, 2) as price,
    round(0.55 + 0.25 * chance('cost', i), 3) as cost_share
from range(1, 241) as t(i)
